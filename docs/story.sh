#!/usr/bin/env bash
# One change from call to history, by curl, against the demonstration that 'make run' started.
set -euo pipefail
cd "$(dirname "$0")/.."
desk=.venv/bin/changedesk
api=${API:-http://localhost:8000/api/v1}

pick() { python3 -c 'import json, sys; print(eval("answer" + sys.argv[1], {"answer": json.load(sys.stdin)}))' "$1"; }
key() { echo "Authorization: Bearer $($desk key person "$1@demo.example" --client aurora --json | pick '["key"]')"; }
post() { # who, path, body, further headers
  curl -sS -X POST "$api$2" -H "$1" -H 'Content-Type: application/json' \
    -H "Idempotency-Key: $(cat /proc/sys/kernel/random/uuid)" "${@:4}" -d "$3"
}
code() { # the newest message of one sort to Dana: the outbox is her phone
  $desk demo messages dana --json | python3 -c 'import json, re, sys
print(next(re.search(r"\d{6}", m["body"]).group() for m in json.load(sys.stdin) if m["event"] == sys.argv[1]))' "$1"
}
say() { printf '\n== %s\n' "$1"; }

new="dana.$(date +%H%M%S)@new.example"
before=$(date -u +%FT%TZ)
ben=$(key ben)
ines=$(key ines)

say "Find the customer: masked, because nobody has verified her yet"
post "$ben" /customers/search '{"text":"Dana Whit"}' | tee >(cat >&2) | pick '["items"][0]["id"]' > /tmp/dana.$$
dana=$(cat /tmp/dana.$$) && rm /tmp/dana.$$

say "Verify the caller by her authenticator"
challenge=$(post "$ben" "/customers/$dana/verification" '{"method":"totp"}' | pick '["id"]')
post "$ben" "/customers/$dana/verification/$challenge/confirm" "{\"answer\":\"$($desk demo totp dana)\"}"

say "Ask for the change"
wish='{"subject":"'$dana'","kind":"contact_details","values":{"contact.email":"'$new'"},
       "reason":"customer_request","channel":"phone"}'
ref=$(post "$ben" /change-requests "$wish" | tee >(cat >&2) | pick '["ref"]')

say "A code to her phone that names the change, and one to the new address"
challenge=$(post "$ben" "/change-requests/$ref/verification" \
  '{"purpose":"change","method":"code_sms","path":"contact.phone_mobile"}' | pick '["id"]')
post "$ben" "/change-requests/$ref/verification/$challenge/confirm" "{\"answer\":\"$(code challenge)\"}" > /dev/null
challenge=$(post "$ben" "/change-requests/$ref/verification" \
  '{"purpose":"new_contact","method":"code_email","path":"contact.email"}' | pick '["id"]')
asked=$(post "$ben" "/change-requests/$ref/verification/$challenge/confirm" "{\"answer\":\"$(code new_contact)\"}")
echo "$asked"
digest=$(echo "$asked" | pick '["receipt"]["digest"]')

say "Her consent, read aloud, for exactly these values"
waiting=$(post "$ben" "/change-requests/$ref/consent" \
  '{"statement":"change_of_record","version":1,"language":"en","way":"read_aloud","digest":"'$digest'"}')
echo "$waiting"

say "Ben cannot approve what he entered; Ines can, and only what she saw"
version=$(echo "$waiting" | pick '["version"]')
post "$ben" "/change-requests/$ref/approve" "{\"digest\":\"$digest\"}" -H "If-Match: \"$version\""
echo
post "$ines" "/change-requests/$ref/approve" "{\"digest\":\"$digest\"}" -H "If-Match: \"$version\"" \
  | tee >(cat >&2) | pick '["change"]' > /tmp/change.$$
change=$(cat /tmp/change.$$) && rm /tmp/change.$$

say "What the record said before, as we know it today"
curl -sS -H "$ben" "$api/customers/$dana/as-of?known_at=$(date -u +%FT%TZ)&valid_at=$before" \
  | pick '["values"]["contact.email"]'

say "What undoing it would meet"
post "$ines" "/changes/$change/revert?dry_run=true" '{"reason":"correction_of_error","channel":"phone"}'
echo
