"""What Zalo's error codes mean for a message: try again, later, never, or wake somebody.

Source: the table of the OA API in its documentation, as integrators report it. Errors come with HTTP 200.
"""

from __future__ import annotations

import logging
from enum import StrEnum

from connectors.messages import SendError

logger = logging.getLogger(__name__)

ACCESS_TOKEN = frozenset({-216, -220})
"""The access token is invalid or over: renew it once and try again once."""
BUTTONS = frozenset({-201, -210, -233})
"""What a message with buttons may be refused for, and the same text without them not."""

_SOON_S, _LATER_S, _ALERT_S = 1, 3_600, 1_800
"""Seconds before the next attempt at least; not 0, which would say that the message may have arrived."""
_MOST_FAILED_SENDS = 3


class Treatment(StrEnum):
    """What to do with a refused message."""

    RETRY = "retry"  # soon
    DEFER = "defer"  # a quota or the hour of day is against it
    UNREACHABLE = "unreachable"  # this person cannot be written to
    DEFECT = "defect"  # our message is wrong; sending it again is no use
    ALERT = "alert"  # the account or application needs its administrator; the message waits


TABLE: dict[int, tuple[Treatment, str]] = {
    -32: (Treatment.RETRY, "rate limit of application or account"),
    -200: (Treatment.RETRY, "sending failed"),
    -214: (Treatment.RETRY, "still being processed"),
    -216: (Treatment.RETRY, "access token invalid"),
    -220: (Treatment.RETRY, "access token expired"),
    -211: (Treatment.DEFER, "out of quota"),
    -218: (Treatment.DEFER, "recipient's quota used up"),
    -234: (Treatment.DEFER, "not allowed at night"),
    -311: (Treatment.DEFER, "quota used up"),
    -213: (Treatment.UNREACHABLE, "does not follow the account"),
    -217: (Treatment.UNREACHABLE, "has blocked invitations"),
    -227: (Treatment.UNREACHABLE, "banned, or inactive for 45 days"),
    -230: (Treatment.UNREACHABLE, "no interaction in 7 days: needs a ZBS template"),
    -232: (Treatment.UNREACHABLE, "time to answer is over: needs a ZBS template"),
    -244: (Treatment.UNREACHABLE, "does not take this kind of message"),
    -305: (Treatment.UNREACHABLE, "no interaction in 48 hours: needs a ZBS template"),
    -100: (Treatment.DEFECT, "attachment expired"),
    -201: (Treatment.DEFECT, "a field is invalid"),
    -210: (Treatment.DEFECT, "a parameter is over its limit"),
    -233: (Treatment.DEFECT, "kind of message not supported"),
    -240: (Treatment.DEFECT, "this version of the API is closed"),
    -248: (Treatment.DEFECT, "against the platform's policy"),
    -249: (Treatment.DEFECT, "template not for this kind of recipient"),
    -202: (Treatment.ALERT, "invalid MAC"),
    -204: (Treatment.ALERT, "account disabled"),
    -205: (Treatment.ALERT, "account does not exist"),
    -207: (Treatment.ALERT, "account not registered with the application"),
    -208: (Treatment.ALERT, "no secret key"),
    -209: (Treatment.ALERT, "application not activated"),
    -212: (Treatment.ALERT, "API not registered for the application"),
    -215: (Treatment.ALERT, "wrong application id"),
    -219: (Treatment.ALERT, "application removed"),
    -221: (Treatment.ALERT, "account must be verified"),
    -223: (Treatment.ALERT, "account has not authorised the application"),
    -224: (Treatment.ALERT, "account's package does not include this"),
    -235: (Treatment.ALERT, "wrong type of account"),
    -242: (Treatment.ALERT, "wrong appsecret_proof"),
    -320: (Treatment.ALERT, "no ZCA linked"),
    -321: (Treatment.ALERT, "no money in the ZCA"),
    -403: (Treatment.ALERT, "account is not in the group"),
}


def send_error(code: int, attempt: int) -> SendError:
    """The outbox's error for a code of Zalo.

    Args:
        code: not 0; an unknown one is tried again.
        attempt: the message's attempt that was refused, from 1.
    """
    treatment, words = TABLE.get(code, (Treatment.RETRY, "unknown error"))
    reason = f"Zalo {code}: {words}"
    if code == -200 and attempt >= _MOST_FAILED_SENDS:
        return SendError(reason, None)
    match treatment:
        case Treatment.RETRY:
            return SendError(reason, _SOON_S)
        case Treatment.DEFER:
            return SendError(reason, _LATER_S)
        case Treatment.ALERT:
            logger.error("%s; the account's administrator is needed", reason)
            return SendError(reason, _ALERT_S)
        case _:
            return SendError(reason, None)
