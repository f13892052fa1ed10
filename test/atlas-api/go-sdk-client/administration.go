package main

import (
	"context"
	"errors"
	"net/http"

	"go.mongodb.org/atlas-sdk/v20250312018/admin"
)

// administer makes the requests about organizations, projects, keys, accounts and events.
func administer(client *admin.APIClient, call string, args []string) (any, *http.Response, error) {
	ctx, keys, accounts := context.Background(), client.ProgrammaticAPIKeysApi, client.ServiceAccountsApi
	organizations, projects := client.OrganizationsApi, client.ProjectsApi
	switch call {
	case "createOrg":
		return pack(organizations.CreateOrg(ctx, parse[admin.CreateOrganizationRequest](args[0])).Execute())
	case "updateOrg":
		return pack(organizations.UpdateOrg(ctx, args[0], parse[admin.AtlasOrganization](args[1])).Execute())
	case "deleteOrg":
		return bare(organizations.DeleteOrg(ctx, args[0]).Execute())
	case "getOrgSettings":
		return pack(organizations.GetOrgSettings(ctx, args[0]).Execute())
	case "updateOrgSettings":
		return pack(organizations.UpdateOrgSettings(ctx, args[0], parse[admin.OrganizationSettings](args[1])).Execute())
	case "getGroupByName":
		return pack(projects.GetGroupByName(ctx, args[0]).Execute())
	case "updateGroup":
		return pack(projects.UpdateGroup(ctx, args[0], parse[admin.GroupUpdate](args[1])).Execute())
	case "deleteGroup":
		return bare(projects.DeleteGroup(ctx, args[0]).Execute())
	case "getSystemStatus":
		return pack(client.RootApi.GetSystemStatus(ctx).Execute())
	case "getCluster":
		return pack(client.ClustersApi.GetCluster(ctx, args[0], args[1]).Execute())
	case "deleteCluster":
		return bare(client.ClustersApi.DeleteCluster(ctx, args[0], args[1]).Execute())
	case "listOrgEvents":
		return pack(client.EventsApi.ListOrgEvents(ctx, args[0]).Execute())
	case "listGroupEvents":
		return pack(client.EventsApi.ListGroupEvents(ctx, args[0]).Execute())

	case "createOrgApiKey":
		return pack(keys.CreateOrgApiKey(ctx, args[0], parse[admin.CreateAtlasOrganizationApiKey](args[1])).Execute())
	case "listOrgApiKeys":
		return pack(keys.ListOrgApiKeys(ctx, args[0]).Execute())
	case "getOrgApiKey":
		return pack(keys.GetOrgApiKey(ctx, args[0], args[1]).Execute())
	case "updateOrgApiKey":
		return pack(keys.UpdateOrgApiKey(ctx, args[0], args[1], parse[admin.UpdateAtlasOrganizationApiKey](args[2])).Execute())
	case "deleteOrgApiKey":
		return bare(keys.DeleteOrgApiKey(ctx, args[0], args[1]).Execute())
	case "createOrgAccessEntry":
		return pack(keys.CreateOrgAccessEntry(ctx, args[0], args[1], parse[[]admin.UserAccessListRequest](args[2])).Execute())
	case "listOrgAccessEntries":
		return pack(keys.ListOrgAccessEntries(ctx, args[0], args[1]).Execute())
	case "getOrgAccessEntry":
		return pack(keys.GetOrgAccessEntry(ctx, args[0], args[2], args[1]).Execute())
	case "deleteAccessEntry":
		return bare(keys.DeleteAccessEntry(ctx, args[0], args[1], args[2]).Execute())
	case "createGroupApiKey":
		return pack(keys.CreateGroupApiKey(ctx, args[0], parse[admin.CreateAtlasProjectApiKey](args[1])).Execute())
	case "listGroupApiKeys":
		return pack(keys.ListGroupApiKeys(ctx, args[0]).Execute())
	case "updateApiKeyRoles":
		return pack(keys.UpdateApiKeyRoles(ctx, args[0], args[1], parse[admin.UpdateAtlasProjectApiKey](args[2])).Execute())
	case "addGroupApiKey":
		return bare(keys.AddGroupApiKey(ctx, args[0], args[1], parse[[]admin.UserAccessRoleAssignment](args[2])).Execute())
	case "removeGroupApiKey":
		return bare(keys.RemoveGroupApiKey(ctx, args[0], args[1]).Execute())

	case "createOrgServiceAccount":
		return pack(accounts.CreateOrgServiceAccount(ctx, args[0], parse[admin.OrgServiceAccountRequest](args[1])).Execute())
	case "listOrgServiceAccounts":
		return pack(accounts.ListOrgServiceAccounts(ctx, args[0]).Execute())
	case "getOrgServiceAccount":
		return pack(accounts.GetOrgServiceAccount(ctx, args[0], args[1]).Execute())
	case "updateOrgServiceAccount":
		return pack(accounts.UpdateOrgServiceAccount(ctx, args[1], args[0], parse[admin.OrgServiceAccountUpdateRequest](args[2])).Execute())
	case "deleteOrgServiceAccount":
		return bare(accounts.DeleteOrgServiceAccount(ctx, args[1], args[0]).Execute())
	case "createOrgSecret":
		return pack(accounts.CreateOrgSecret(ctx, args[0], args[1], parse[admin.ServiceAccountSecretRequest](args[2])).Execute())
	case "deleteOrgSecret":
		return bare(accounts.DeleteOrgSecret(ctx, args[1], args[2], args[0]).Execute())
	case "createOrgAccessList":
		return pack(accounts.CreateOrgAccessList(ctx, args[0], args[1], parse[[]admin.ServiceAccountIPAccessListEntry](args[2])).Execute())
	case "listOrgAccessList":
		return pack(accounts.ListOrgAccessList(ctx, args[0], args[1]).Execute())
	case "deleteOrgAccessEntry":
		return bare(accounts.DeleteOrgAccessEntry(ctx, args[0], args[1], args[2]).Execute())
	}
	return nil, nil, errors.New("unknown call " + call)
}

// bare is an answer without a body that the SDK reads.
func bare(response *http.Response, err error) (any, *http.Response, error) {
	return nil, response, err
}
