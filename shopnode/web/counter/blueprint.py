"""The counter's addresses, registered by the modules beside this one."""

from flask import Blueprint

bp = Blueprint("counter", __name__, template_folder="templates")
