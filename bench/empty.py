"""The product's own addresses and one page more, which is empty: what the stack costs without a page."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def empty(request: HttpRequest) -> HttpResponse:
    """Nothing, for somebody who is signed in with both factors."""
    del request
    return HttpResponse("<!doctype html><title>Empty</title>")


urlpatterns = [path("empty", empty, name="empty"), path("", include("changedesk.config.urls"))]
