"""The API alone, by the long way: through Django and its middleware."""

from django.urls import include, path

urlpatterns = [path("api/v1/", include("changedesk.channels.api.urls"))]
