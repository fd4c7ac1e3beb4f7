"""A stand-in for the app's action endpoint: answers any action with what it saw. Standard library only.

``python tests/bot/fake_actions.py PORT`` serves until it is stopped.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # Rasa keeps the connection
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps(_reply(call)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


def _reply(call: dict[str, Any]) -> dict[str, Any]:
    if call["next_action"] == "action_ask_feedback":  # it is silent where there is nothing to ask
        return {"events": [], "responses": []}
    latest = call["tracker"]["latest_message"]
    entities: dict[str, list[Any]] = {}
    for entity in latest["entities"]:
        entities.setdefault(entity["entity"], []).append(entity["value"])
    seen = {"action": call["next_action"], "intent": latest["intent"]["name"], "entities": entities}
    return {
        "events": [{"event": "slot", "name": "fields", "value": entities.get("field", [])}],
        "responses": [{"text": f"{seen['intent']} {entities}", "custom": {"status": "answered", "seen": seen}}],
    }


def serve(port: int = 0) -> ThreadingHTTPServer:
    """A server bound to ``port`` (0: any free one); call ``serve_forever`` in a thread of yours."""
    server = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
    server.daemon_threads = True
    return server


if __name__ == "__main__":
    serve(int(sys.argv[1])).serve_forever()
