from django.urls import path

from changedesk.channels.portal import copies, rights, views

app_name = "portal"
urlpatterns = [
    path("<slug:slug>/wasnt-me/<str:token>", views.wasnt_me, name="wasnt_me"),
    path("<slug:slug>/your-data/<str:token>", rights.your_data, name="your_data"),
    path("<slug:slug>/copy/<uuid:key>/<str:token>", copies.copy, name="copy"),
]
