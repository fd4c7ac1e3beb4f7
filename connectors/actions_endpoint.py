"""``POST /api/v1/actions/webhook``: where Rasa asks for an action (Rasa SDK protocol)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from rasa_sdk.interfaces import ActionExecutionRejection, ActionNotFoundException

router = APIRouter(tags=["rasa"])

_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"description": "The body is no JSON, or the action does not run now (`ActionExecutionRejection`)."},
    404: {"description": "No such action."},
}


@router.post("/actions/webhook", response_model=None, responses=_REFUSALS)
async def run_action(request: Request, call: dict[str, Any]) -> JSONResponse:
    """Run the action that Rasa names in ``next_action``. Meant for Rasa only."""
    try:
        result = await request.app.state.executor.run(call)
    except ActionExecutionRejection as rejection:
        return JSONResponse({"error": str(rejection), "action_name": rejection.action_name}, status_code=400)
    except ActionNotFoundException as missing:
        return JSONResponse({"error": str(missing), "action_name": missing.action_name}, status_code=404)
    if result is None:
        return JSONResponse({"events": [], "responses": []})
    return JSONResponse({"events": result.events, "responses": result.responses})
