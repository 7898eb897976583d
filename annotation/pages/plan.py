"""What is worth most in the minutes that there are."""

from __future__ import annotations

import math
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from annotation.pages.desk import desk_address
from annotation.pages.wording import pace
from annotation.services.claims import claim_slot
from annotation.services.planning import plan_minutes
from annotation.services.queues import list_queues
from organizations.errors import Refused
from organizations.identifiers import as_uuid
from organizations.permissions import page

MINUTES = 120


@page(role="expert", methods=("GET", "POST"))
def plan(request: Any) -> HttpResponse:
    """What is worth most in the minutes that there are; posted, the item that is taken first."""
    if request.method == "POST":
        return _take(request)
    queues = list_queues(expert=request.user)
    wanted = as_uuid(request.GET.get("queue", ""))
    queue = next((each for each in queues if each.pk == wanted), queues[0] if queues else None)
    context: dict[str, Any] = {"queue": queue, "queues": queues, "minutes": request.GET.get("minutes", MINUTES)}
    if queue:
        try:
            planned = plan_minutes(expert=request.user, queue=queue, minutes=_minutes(request))
            pairs = zip(planned.slots, planned.plan.picks, strict=True)
            context["items"] = [(slot, pace(pick.seconds)) for slot, pick in pairs]
            context |= {"planned": planned, "total": pace(planned.plan.seconds)}
        except Refused as error:
            context["problem"] = error.message
    return render(request, "annotation/plan.html", context)


def _take(request: Any) -> HttpResponse:
    slot_id = as_uuid(request.POST.get("slot", ""))
    try:
        if slot_id is None:
            raise Refused("Choose an item.")
        slot = claim_slot(expert=request.user, slot_id=slot_id, adjudicates=request.actor.can_manage)
    except Refused as error:
        messages.warning(request, error.message)
        return redirect("review-plan")
    return redirect(desk_address(slot.queue))


def _minutes(request: Any) -> float:
    try:
        minutes = float(request.GET.get("minutes") or MINUTES)
    except ValueError:
        minutes = math.nan
    if not math.isfinite(minutes):
        raise Refused("Write the minutes as a number.")
    return minutes
