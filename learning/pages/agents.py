"""Agents, their configs, and the form that tells what an agent does today."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from learning.engines.types import INPUT_PLACE, NEAREST
from learning.models import Agent, AgentConfig, ConfigStatus
from learning.services.agents import write_config
from learning.services.lineage import newest_gate_reports
from learning.waking import wake_for_gate
from organizations.errors import Refused
from organizations.models import Role
from organizations.permissions import page

SHOWN = 100  # configs of an agent on its page


class ConfigForm(forms.Form):
    """How an agent asks its model. Examples are learned, so the form has none."""

    system_prompt = forms.CharField(required=False, widget=forms.Textarea, strip=False, max_length=100_000)
    input_template = forms.CharField(
        initial="{input}", max_length=10_000, help_text="What the user's text is put into, at {input}."
    )
    model = forms.CharField(max_length=200, help_text="The name of the model at your OpenAI-compatible address.")
    max_tokens = forms.IntegerField(
        min_value=1, max_value=100_000, initial=256, help_text="The longest answer, in tokens."
    )
    temperature = forms.FloatField(min_value=0, max_value=2, initial=0, help_text="0: the same answer every time.")

    def clean_input_template(self) -> str:
        template: str = self.cleaned_data["input_template"]
        if INPUT_PLACE not in template:
            raise forms.ValidationError(f"The input template must contain {INPUT_PLACE}, where the user's text goes.")
        return template

    def content(self) -> dict[str, Any]:
        """The content of the config."""
        values = self.cleaned_data
        return {
            "system_prompt": values["system_prompt"],
            "examples": [],
            "model": values["model"],
            "parameters": {"temperature": values["temperature"], "max_tokens": values["max_tokens"]},
            "input_template": values["input_template"],
        }


class NextConfigForm(ConfigForm):
    """A further config, filled in with an earlier one. What the form does not ask for is taken over from it."""

    keep_examples = forms.BooleanField(required=False, initial=True)

    def __init__(self, data: Any = None, *, base: AgentConfig) -> None:
        content = base.content
        parameters = content.get("parameters", {})
        known = {key: content[key] for key in ("system_prompt", "input_template", "model") if key in content}
        known |= {key: parameters[key] for key in ("max_tokens", "temperature") if key in parameters}
        super().__init__(data, initial=known)
        self.base = base
        examples = len(content.get("examples", []))
        self.fields["keep_examples"].label = f"Keep the examples of config {base.number} ({examples})"
        if not examples:
            del self.fields["keep_examples"]

    def content(self) -> dict[str, Any]:
        before, new = self.base.content, super().content()
        content = {**before, **new, "parameters": {**before.get("parameters", {}), **new["parameters"]}}
        if self.cleaned_data.get("keep_examples"):
            return content | {"examples": before.get("examples", [])}
        content.pop(NEAREST, None)
        return content


@page()
def agent_list(request: HttpRequest) -> HttpResponse:
    """All agents and what serves them."""
    return render(
        request, "learning/agents.html", {"agents": Agent.objects.select_related("serving_config").order_by("name")}
    )


@page()
def agent_detail(request: HttpRequest, agent_id: UUID) -> HttpResponse:
    """The configs of one agent."""
    agent = _find(agent_id)
    configs = list(agent.configs.order_by("-number")[:SHOWN])
    reports = newest_gate_reports(configs)
    rows = [(config, reports.get(config.pk)) for config in configs]
    approved = (one for one in configs if one.status == ConfigStatus.APPROVED and one.pk != agent.serving_config_id)
    context = {"agent": agent, "configs": rows, "deployable": next(approved, None)}
    return render(request, "learning/agent.html", context)


@page(role=Role.ADMIN, methods=("GET", "POST"))
def config_write(request: HttpRequest, agent_id: UUID) -> HttpResponse:
    """Tell what the agent does today, or write a draft, whose gate then runs."""
    agent = _find(agent_id)
    base = agent.serving_config or agent.configs.order_by("-number").first()
    if base is None:
        form = ConfigForm(request.POST or None, initial={"model": settings.DEFAULT_MODEL})
    else:
        form = NextConfigForm(request.POST or None, base=base)
    if request.method == "POST" and form.is_valid():
        try:
            _, report = write_config(agent=agent, content=form.content())
        except Refused as error:
            form.add_error(None, error.message)
        else:
            if report is None:
                messages.success(request, "Config 1 is written. Deploy it, so that applications get it.")
                return redirect("agent", agent_id=agent.pk)
            wake_for_gate(report)
            return redirect("gate", report_id=report.pk)
    return render(request, "learning/config_new.html", {"agent": agent, "form": form, "base": base})


def _find(agent_id: UUID) -> Agent:
    agent = Agent.objects.select_related("serving_config").filter(pk=agent_id).first()
    if agent is None:
        raise Http404("There is no such agent in this organization.")
    return agent
