"""How the customer wants to be served: language, accessibility, paper or not, and the options of the service."""

from changedesk.kinds.kind import Kind

KIND = Kind(
    name="service_preferences",
    label={"en": "Service preferences", "de": "Serviceeinstellungen", "ar": "تفضيلات الخدمة"},
    icon="sliders-horizontal",
    notice_subject={
        "en": "your service preferences",
        "de": "Ihre Serviceeinstellungen",
        "ar": "تفضيلات الخدمة الخاصة بك",
    },
    notice_words={
        "service.language": {
            "en": "the language we write in",
            "de": "die Sprache unserer Schreiben",
            "ar": "لغة مراسلاتنا",
        },
        "service.paperless": {
            "en": "paper or paperless",
            "de": "Papier oder papierlos",
            "ar": "المراسلات الورقية أو الرقمية",
        },
    },
    form_order=("service.language", "service.time_zone", "service.accessibility", "service.paperless"),
    subjects=frozenset({"customer", "account"}),
)
