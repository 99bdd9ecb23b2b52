"""The office's addresses, registered by the modules beside this one."""

from flask import Blueprint

bp = Blueprint("office", __name__, template_folder="templates")
