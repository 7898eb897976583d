"""Every address of the product."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from learning.api.otlp import TracesView
from project.overview import example, execution, feedback, health
from project.overview import pages as overview
from project.overview.stats_api import StatsView

api: list[Any] = [
    path("stats", StatsView.as_view(), name="stats"),
    path("", include("organizations.api_urls")),
    path("", include("learning.api.urls")),
    path("", include("annotation.api.urls")),
    path("", include("experiments.api.urls")),
]
pages: list[Any] = [
    path("", overview.dashboard, name="dashboard"),
    path("demo-progress", overview.demo_progress, name="demo-progress"),
    path("feedback/", feedback.feedback_page, name="feedback-page"),
    path("executions/<str:execution_id>/", execution.execution_page, name="execution"),
    path("examples/<uuid:example_id>/", example.example_page, name="example"),
    path("examples/<uuid:example_id>/choose", example.example_choose, name="example-choose"),
    path("examples/clusters/<slug:key>/", example.cluster_page, name="example-cluster"),
    path("lineage/<uuid:config_id>/", overview.lineage_page, name="lineage"),
    path("", include("organizations.urls")),
    path("", include("learning.urls")),
    path("", include("experiments.urls")),
    path("annotation/mine/", overview.my_reviews, name="review-mine"),  # needs experiments too
    path("annotation/", include("annotation.urls")),
]
# Tables of Django's admin that lie among our pages.
TABLES = "|".join(str(model._meta.model_name) for model in apps.get_app_config("learning").get_models())
admin.site.site_header = "Agent Learning: data"
admin.site.site_title = "Agent Learning"
admin.site.index_title = "All stored records, read-only"
admin.site.site_url = "/admin/learning/"
urlpatterns = [
    path("", RedirectView.as_view(url="/admin/learning/"), name="home"),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path(
        "password/",
        PasswordChangeView.as_view(template_name="registration/password.html", success_url="/admin/learning/"),
        name="password",
    ),
    path("healthz", health.alive, name="alive"),
    path("readyz", health.ready, name="ready"),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("api/learning/", include((api, "api"))),
    path("v1/traces", TracesView.as_view(), name="otlp-traces"),  # the path that OpenTelemetry exporters append
    path("admin/learning/", include(pages)),
    re_path(rf"^admin/learning/(?!({TABLES})/)(?P<unknown>.+)$", overview.no_such_page),
    path("favicon.ico", RedirectView.as_view(url="/static/img/mark.svg")),
    path("demo/", overview.widget_demo, name="widget-demo"),
    path("admin/", admin.site.urls),
]
handler404 = "project.api.not_found"
handler500 = "project.api.server_failed"
