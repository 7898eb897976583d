"""The page that introduces an agent."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from experiments.services.introduction import introduce_agent
from learning.pages.agents import ConfigForm
from organizations.errors import Refused
from organizations.models import Role
from organizations.permissions import page


class IntroductionForm(ConfigForm):
    """Which agent it is, and how it asks its model today."""

    external_id = forms.CharField(
        label="Your name for it", max_length=200, help_text="What your application sends as agent_id: support-bot"
    )
    name = forms.CharField(label="Shown as", max_length=200, required=False, help_text="Left empty: the same.")
    field_order = ("external_id", "name")


@page(role=Role.ADMIN, methods=("GET", "POST"))
def agent_introduce(request: HttpRequest) -> HttpResponse:
    """Register an agent with what it does today, which serves at once."""
    initial = {"model": settings.DEFAULT_MODEL, "external_id": request.GET.get("agent", "")[:200]}
    form = IntroductionForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        names = {name: form.cleaned_data[name] for name in ("external_id", "name")}
        try:
            deployment = introduce_agent(**names, content=form.content())
        except Refused as error:
            field = "external_id" if error.field == "agent_id" else error.field
            form.add_error(field if field in form.fields else None, error.message)
        else:
            messages.success(request, "The agent is here, and applications get its config now.")
            return redirect("agent", agent_id=deployment.agent_id)
    return render(request, "experiments/agent_new.html", {"form": form})
