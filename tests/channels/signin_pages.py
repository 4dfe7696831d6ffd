"""One page that says who acts, behind the real sign-in pages."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path

from changedesk.base.refusal import Refusal
from changedesk.channels import signin


def who(request: HttpRequest, slug: str) -> HttpResponse:
    try:
        actor = signin.actor_of(request, slug)
    except Refusal as refused:
        return JsonResponse({"refused": refused.code}, status=404)
    return JsonResponse(
        {"id": actor.id, "client": actor.client, "roles": sorted(actor.roles), "page": actor.entry_point}
    )


urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("c/<slug:slug>/", who, name="who"),
    path("", who, {"slug": "nordcell"}, name="start"),
]
