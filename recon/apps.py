from django.apps import AppConfig
from django.utils.translation import gettext, ngettext

from recon.pipeline.words.texts import translate_with


class ReconConfig(AppConfig):
    name = "recon"
    verbose_name = "Reconstruction"

    def ready(self) -> None:
        """The core's texts appear in the language of the person being served."""
        translate_with(gettext, ngettext)
