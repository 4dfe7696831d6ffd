from django.urls import path

from changedesk.channels.portal import views

app_name = "portal"
urlpatterns = [path("<slug:slug>/wasnt-me/<str:token>", views.wasnt_me, name="wasnt_me")]
