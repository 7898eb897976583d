"""Making demonstrations of many recorded executions, with the number of those that it would touch."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from learning.pages.behavior import agent_of
from learning.pages.executions import FilterForm
from learning.services.recorded_demonstrations import MOST_COUNTED, count_recorded, start_recorded
from learning.waking import wake_for_job
from organizations.errors import Refused
from organizations.models import Role
from organizations.permissions import page


class RecordedFilter(FilterForm):
    """Which executions of one agent."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("agent", "before"):
            del self.fields[name]
        self.fields["find"].label = "User or session"
        self.fields["find"].widget.attrs["placeholder"] = "in full"


class RewardForm(forms.Form):
    """How well they ended."""

    rewarded = forms.BooleanField(
        required=False, initial=True, label="Thumbs and stars say how well each ended",
        help_text="Without, or where nobody said anything, an execution counts as work worth imitating.",
    )  # fmt: skip


@page(role=Role.MANAGER, methods=("GET", "POST"))
def recorded(request: HttpRequest, agent_id: UUID) -> HttpResponse:
    """All that the filters in the address leave."""
    agent = agent_of(agent_id)
    given = {"days": "30"} | {name: value for name, value in request.GET.items() if "\x00" not in value}
    filters, form = RecordedFilter(given), RewardForm(request.POST or None)
    filters.is_valid()
    if request.method == "POST":
        rewarded = bool(request.POST.get("rewarded"))
        try:
            job = start_recorded(agent=agent, wanted=filters.wanted(), rewarded=rewarded, user=request.user)
        except Refused as error:
            messages.error(request, error.message)
        else:
            wake_for_job(job)
            return redirect("job", job_id=job.pk)
    counted = count_recorded(agent=agent, wanted=filters.wanted())
    context = {
        "agent": agent,
        "filters": filters,
        "form": form,
        "counted": min(counted, MOST_COUNTED),
        "more": counted > MOST_COUNTED,
    }
    return render(request, "learning/behavior_recorded.html", context)
