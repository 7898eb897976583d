"""The page that asks for synthetic examples: variants of approved ones, written by the language model."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render

from learning.models import Agent
from learning.services.synthesis import MOST_CALLS, MOST_VARIANTS, start_synthesis
from learning.waking import wake_for_job
from organizations.errors import Refused
from organizations.models import Role
from organizations.permissions import page


class AgentChoice(forms.ModelChoiceField):
    def label_from_instance(self, agent: Any) -> str:
        return str(agent.name)


class SynthesisForm(forms.Form):
    """Whose examples, how many variants, and what it may cost."""

    agent = AgentChoice(queryset=Agent.objects.none())
    variants = forms.IntegerField(
        min_value=1, max_value=MOST_VARIANTS, initial=2, label="Variants of each example",
        help_text="The language model is asked once for each.",
    )  # fmt: skip
    most_calls = forms.IntegerField(
        min_value=1, max_value=MOST_CALLS, initial=100, label="Calls of the language model, at most"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["agent"].queryset = Agent.objects.order_by("name")


@page(role=Role.MANAGER, methods=("GET", "POST"))
def synthesis(request: Any) -> HttpResponse:
    """The form; it leads to the job."""
    form = SynthesisForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            job = start_synthesis(**form.cleaned_data, user=request.user)
        except Refused as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            wake_for_job(job)
            return redirect("job", job_id=job.pk)
    return render(request, "learning/synthesis.html", {"form": form, "model": settings.DEFAULT_MODEL})
