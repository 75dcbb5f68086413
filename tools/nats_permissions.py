"""The subjects that each role of the distributed system may publish and subscribe on NATS: the one list, for tools/cluster
--secure, for compose/secure, and for the README. `configuration` writes the account of a nats-server's configuration file."""

import json

# Requests and commands are signed as well (src/auth/bus_signature.h): these permissions keep foreign clients, and a compromised
# role, from reading and writing other subjects than their own. Answers come to inboxes.
PERMISSIONS = {
    "api": {
        "publish": ["daemon.command.>", "tools.online.>", "updates.>"],
        "subscribe": ["_INBOX.>", "updates.>"],
    },
    "worker": {
        "publish": ["daemon.command.>", "tools.cancel.>", "tools.online.>", "tools.request.>", "updates.>"],
        "subscribe": ["_INBOX.>", "tools.response.>", "updates.>"],
    },
    "gateway": {
        "publish": ["_INBOX.>", "daemon.accepted.>", "daemon.command.>", "tools.request.>", "tools.response.>"],
        "subscribe": ["_INBOX.>", "daemon.accepted.>", "daemon.command.>", "tools.cancel.>", "tools.online.>", "tools.request.>",
                      "tools.response.>"],
    },
}


def configuration(identities):
    """`identities`: the credentials of each role: {"nkey": …} or {"user": …, "password": …}. Other clients may not connect."""
    users = [{**identities[role], "permissions": allowed} for role, allowed in PERMISSIONS.items()]
    accounts = {"RELIANT": {"users": users}, "SYS": {}}
    return f"accounts: {json.dumps(accounts, indent=2)}\nsystem_account: SYS\n"
