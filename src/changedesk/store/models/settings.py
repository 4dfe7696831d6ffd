"""The tables that people edit. The ORM writes them, through ``store.settings_write`` and nowhere else.

Lists and rules are JSON, as packs and screens exchange them; each is validated before it is saved.
"""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q


class Client(models.Model):
    """Who hired us. Everything that is not a person belongs to exactly one client."""

    id = models.AutoField(primary_key=True)
    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    color = models.CharField(max_length=7, default="#3b5bdb")
    packs = models.JSONField(default=list)
    jurisdictions = models.JSONField(default=list)
    industries = models.JSONField(default=list)
    limits = models.JSONField(default=dict)
    """As ``rules.limits`` names them; what is missing is the house's."""
    languages = models.JSONField(default=list)
    default_language = models.CharField(max_length=12, default="en")
    time_zone = models.CharField(max_length=64, default="UTC")
    default_region = models.CharField(max_length=2, default="US")
    """ISO 3166-1 country in which a phone number without a country code is read."""
    ledger_origin = models.CharField(max_length=200, unique=True)
    """First line of every checkpoint of this client's log; never changes once the log has an entry."""
    sender_name = models.CharField(max_length=120, blank=True)
    sender_email = models.CharField(max_length=254, blank=True)
    support_phone = models.CharField(max_length=40, blank=True)
    support_url = models.CharField(max_length=200, blank=True)
    config_version = models.PositiveIntegerField(default=1)
    """Rises with every configuration change; requests store it as their policy version."""
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "client"

    def __str__(self) -> str:
        return self.slug


class Person(AbstractBaseUser):
    """A member of staff. Powers come from memberships alone: there is no all-powerful person."""

    email = models.CharField(max_length=254, unique=True)
    """Sign-in name, always stored in lower case."""
    display_name = models.CharField(max_length=120)
    language = models.CharField(max_length=12, default="en")
    shortcuts_off = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = BaseUserManager["Person"]()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["display_name"]

    class Meta:
        db_table = "person"

    def __str__(self) -> str:
        return self.actor_id

    @property
    def actor_id(self) -> str:
        """The opaque name under which entries remember this person."""
        return f"s{self.pk}"


class Membership(models.Model):
    """What one person is at one client."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="memberships")
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="memberships")
    roles = models.JSONField(default=list)
    team = models.CharField(max_length=60, blank=True)
    active = models.BooleanField(default=True)

    class Meta:
        db_table = "membership"
        constraints = [models.UniqueConstraint(fields=["client", "person"], name="membership_one_per_client")]

    def __str__(self) -> str:
        return f"{self.person_id} at {self.client_id}"


class ApiKey(models.Model):
    """A program's credential. The prefix may be shown; of the secret only a hash is kept.

    SHA-256 is enough here: the secret is 256 random bits, so there is no dictionary to try, and a slow hash
    would cost every API call what it is meant to cost a guesser (NIST SP 800-63B, look-up secret verifiers:
    secrets of 112 bits or more need no slow hash).
    """

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="api_keys")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=24, unique=True)
    secret_hash = models.CharField(max_length=64)
    scopes = models.JSONField(default=list)
    entry_point = models.CharField(max_length=60)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="api_keys")
    """Set on a short-lived key that stands for a member of staff: whoever calls with it is that person."""
    created_by = models.CharField(max_length=40)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "api_key"

    def __str__(self) -> str:
        return self.prefix

    @property
    def actor_id(self) -> str:
        """The opaque name under which entries remember this key."""
        return f"k{self.pk}"


class FieldSetting(models.Model):
    """A field that a client adds to its catalogue, or what it changes about a field from a pack."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="field_settings")
    path = models.CharField(max_length=80)
    data = models.JSONField(default=dict)
    active = models.BooleanField(default=True)

    class Meta:
        db_table = "field_setting"
        constraints = [models.UniqueConstraint(fields=["client", "path"], name="field_setting_one_per_path")]

    def __str__(self) -> str:
        return self.path


class ClientRule(models.Model):
    """A rule by which a client tightens its policy. A new version replaces the old one; none is edited."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="rules")
    rule_id = models.CharField(max_length=80)
    version = models.PositiveIntegerField(default=1)
    data = models.JSONField(default=dict)
    active = models.BooleanField(default=True)

    class Meta:
        db_table = "client_rule"
        constraints = [
            models.UniqueConstraint(fields=["client", "rule_id", "version"], name="client_rule_version"),
            models.UniqueConstraint(
                fields=["client", "rule_id"], condition=Q(active=True), name="client_rule_one_active"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id}/{self.version}"


class Policy(models.Model):
    """What a client asks beyond the floor: its own rules as it wrote them, and which packs count where.

    Written by one person, put in force by another; after that it is never edited. The newest published one is in force.
    """

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="policies")
    number = models.PositiveIntegerField()
    source = models.TextField(blank=True)
    """The client's own rules in TOML, as packs write theirs."""
    rules = models.JSONField(default=dict)
    """The same by id, as ``ClientRule.data`` holds each."""
    packs = models.JSONField(default=list)
    jurisdictions = models.JSONField(default=list)
    industries = models.JSONField(default=list)
    limits = models.JSONField(default=dict)
    based_on = models.PositiveIntegerField(default=0)
    """The policy that was in force when this one was written; 0 for what the client started with."""
    author = models.CharField(max_length=40)
    written_at = models.DateTimeField()
    published_by = models.CharField(max_length=40, blank=True)
    published_at = models.DateTimeField(null=True)
    config_version = models.PositiveIntegerField(default=0)
    """The client's configuration version that publishing made: requests name it as their policy version."""

    class Meta:
        db_table = "policy"
        constraints = [models.UniqueConstraint(fields=["client", "number"], name="policy_number")]

    def __str__(self) -> str:
        return f"policy/{self.number}"


class MessageTemplate(models.Model):
    """What a notice says for one event, channel and language."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="templates")
    event = models.CharField(max_length=60)
    channel = models.CharField(max_length=20)
    language = models.CharField(max_length=12)
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField()
    version = models.PositiveIntegerField(default=1)
    active = models.BooleanField(default=True)

    class Meta:
        db_table = "message_template"
        constraints = [
            models.UniqueConstraint(
                fields=["client", "event", "channel", "language", "version"], name="message_template_version"
            ),
            models.UniqueConstraint(
                fields=["client", "event", "channel", "language"],
                condition=Q(active=True),
                name="message_template_one_active",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event}/{self.channel}/{self.language}/{self.version}"


class StatementWording(models.Model):
    """A client's own wording of a consent statement. What a customer agreed to is never edited afterwards."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="statements")
    statement = models.CharField(max_length=80)
    language = models.CharField(max_length=12)
    wording = models.TextField()
    version = models.PositiveIntegerField(default=1)
    active = models.BooleanField(default=True)

    class Meta:
        db_table = "statement_wording"
        constraints = [
            models.UniqueConstraint(
                fields=["client", "statement", "language", "version"], name="statement_wording_version"
            ),
            models.UniqueConstraint(
                fields=["client", "statement", "language"],
                condition=Q(active=True),
                name="statement_wording_one_active",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.statement}/{self.language}/{self.version}"


class ConfigChange(models.Model):
    """Who changed which setting. Rows are only ever added: a trigger refuses the rest.

    Holds ids and setting names, never a password, a key's secret or an e-mail address.
    """

    client = models.ForeignKey(Client, null=True, on_delete=models.PROTECT, related_name="config_changes")
    """None for what belongs to no single client, such as a person's name."""
    actor = models.CharField(max_length=40)
    verb = models.CharField(max_length=40)
    target = models.CharField(max_length=120)
    old = models.JSONField(default=dict)
    new = models.JSONField(default=dict)
    config_version = models.PositiveIntegerField(default=0)
    """The client's configuration version that this change made."""
    at = models.DateTimeField()

    class Meta:
        db_table = "config_change"
        indexes = [models.Index(fields=["client", "-id"], name="config_change_newest")]

    def __str__(self) -> str:
        return f"{self.verb} {self.target}"
