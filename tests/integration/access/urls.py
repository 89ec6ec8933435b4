"""Pages that exist for the tests of the door alone, beside the project's."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path

from reliability import access, audit, urls


@access.requires("letters.view")
def look(request: HttpRequest) -> HttpResponse:
    """A page a viewer may see."""
    return HttpResponse(access.actor_of(request).name)


@access.requires("letters.replay")
def act(request: HttpRequest) -> HttpResponse:
    """A page only an operator may post to."""
    return HttpResponse("acted")


@access.requires("letters.view")
def act_inside(request: HttpRequest) -> HttpResponse:
    """A page a viewer may see whose act the operation refuses."""
    with audit.action("letters.discard", actor=access.actor_of(request), target="letter:1", reason="test"):
        return HttpResponse("acted")


urlpatterns = [
    path("look/", look),
    path("act/", act),
    path("act-inside/", act_inside),
    *urls.urlpatterns,
]
