from django.urls import include, path

from changedesk.config import web

urlpatterns = [
    path("healthz", web.healthz, name="healthz"),
    path("readyz", web.readyz, name="readyz"),
    path("api/v1/", include("changedesk.channels.api.urls")),
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("p/", include("changedesk.channels.portal.urls")),
    path("", include("changedesk.channels.console.urls")),
]
