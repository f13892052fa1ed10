"""Runs a whole migration by a client that openapi-python-client has generated from /openapi.json as the package `generated`.

Arguments: the server's URL, an access token, the id of the organization, the connection string of the destination. It answers the first line of its
input with a link-token, and the second one, after which an agent has the token, with the migration's last status and stage.
"""

import sys
import time

from generated import AuthenticatedClient
from generated.api.cloud_migration_service import (
    create_group_live_migration,
    create_org_live_migration_link_token,
    cutover_group_live_migration,
    get_group_live_migration,
    list_org_live_migration_available_projects,
)
from generated.api.clusters import create_group_cluster
from generated.api.projects import create_group
from generated.models import (
    ClusterRegistration,
    ClusterRegistrationConnectionStrings,
    Destination,
    GroupRequest,
    LiveMigrationRequest20240530,
    Source,
    TargetOrgRequest,
)

url, token, org_id, destination = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=token, raise_on_unexpected_status=True)


def until(what, condition):
    deadline = time.monotonic() + 60
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.25)
    return found


sys.stdin.readline()
group = create_group.sync(client=client, body=GroupRequest(name="destination", org_id=org_id))
strings = ClusterRegistrationConnectionStrings(standard=destination)
create_group_cluster.sync(group.id, client=client, body=ClusterRegistration("target", strings))
link = create_org_live_migration_link_token.sync(org_id, client=client, body=TargetOrgRequest())
print(link.link_token, flush=True)
sys.stdin.readline()

project = until("the source", lambda: list_org_live_migration_available_projects.sync(org_id, client=client))[0]
order = LiveMigrationRequest20240530(
    source=Source(
        cluster_name=project.deployments[0].name, group_id=project.project_id, managed_authentication=True, ssl=False
    ),
    destination=Destination(cluster_name="target", group_id=group.id),
    migration_hosts=[project.migration_hosts[0]],
)


def created():
    answer = create_group_live_migration.sync(group.id, client=client, body=order)
    return getattr(answer, "field_id", None)


def shown():
    return get_group_live_migration.sync(group.id, migration, client=client)


migration = until("the migration", created)
until("ready for the cutover", lambda: shown().ready_for_cutover)
cutover_group_live_migration.sync_detailed(group.id, migration, client=client)
until("complete", lambda: shown().status == "COMPLETE")
last = shown()
print(last.status, last.linkspan.stage)
