// Command go-sdk-client makes one request with MongoDB's Go SDK of the Atlas Administration API v2, the library that the Atlas CLI
// makes its requests with, and prints what came of it as JSON.
//
//	go-sdk-client URL digest|oauth ID SECRET CALL [ID_OR_BODY]…
package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"

	"go.mongodb.org/atlas-sdk/v20250312018/admin"
	"go.mongodb.org/atlas-sdk/v20250312018/auth"
	"go.mongodb.org/atlas-sdk/v20250312018/auth/clientcredentials"
)

// outcome is what the test reads: the HTTP status, what the SDK made of the body, and the error that it reported, decoded and as text.
type outcome struct {
	Status  int             `json:"status"`
	Result  any             `json:"result,omitempty"`
	Error   *admin.ApiError `json:"error,omitempty"`
	Message string          `json:"message,omitempty"`
}

func main() {
	url, scheme, id, secret, call := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]
	credentials := admin.UseDigestAuth(id, secret)
	if scheme == "oauth" {
		credentials = admin.UseOAuthAuth(context.Background(), id, secret)
	}
	client, err := admin.NewClient(admin.UseBaseURL(url+"/"), credentials)
	exitOn(err)
	var printed outcome
	var response *http.Response
	if call == "revoked" {
		printed.Result, response, err = useRevoked(url, id, secret)
	} else {
		printed.Result, response, err = request(client, call, os.Args[6:])
	}
	if response != nil {
		printed.Status = response.StatusCode
	}
	if err != nil {
		printed.Result, printed.Message = nil, err.Error()
		printed.Error, _ = admin.AsError(err)
	}
	exitOn(json.NewEncoder(os.Stdout).Encode(printed))
}

func request(client *admin.APIClient, call string, args []string) (any, *http.Response, error) {
	ctx, migrations := context.Background(), client.CloudMigrationServiceApi
	switch call {
	case "createLinkToken":
		return pack(migrations.CreateLinkToken(ctx, args[0], parse[admin.TargetOrgRequest](args[1])).Execute())
	case "deleteLinkTokens":
		response, err := migrations.DeleteLinkTokens(ctx, args[0]).Execute()
		return nil, response, err
	case "listAvailableProjects":
		return pack(migrations.ListAvailableProjects(ctx, args[0]).Execute())
	case "validateLiveMigrations":
		return pack(migrations.ValidateLiveMigrations(ctx, args[0], parse[admin.LiveMigrationRequest20240530](args[1])).Execute())
	case "getMigrationValidateStatus":
		return pack(migrations.GetMigrationValidateStatus(ctx, args[0], args[1]).Execute())
	case "createGroupLiveMigration":
		return pack(migrations.CreateGroupLiveMigration(ctx, args[0], parse[admin.LiveMigrationRequest20240530](args[1])).Execute())
	case "getGroupLiveMigration":
		return pack(migrations.GetGroupLiveMigration(ctx, args[0], args[1]).Execute())
	case "cutoverMigration":
		response, err := migrations.CutoverMigration(ctx, args[0], args[1]).Execute()
		return nil, response, err
	case "validateOlder":
		return sendOlder(client, "/api/atlas/v2/groups/"+args[0]+"/liveMigrations/validate", args[1])
	case "listOrgs":
		return pack(client.OrganizationsApi.ListOrgs(ctx).Execute())
	case "getOrg":
		return pack(client.OrganizationsApi.GetOrg(ctx, args[0]).Execute())
	case "createGroup":
		return pack(client.ProjectsApi.CreateGroup(ctx, parse[admin.Group](args[0])).Execute())
	case "listGroups":
		return pack(client.ProjectsApi.ListGroups(ctx).Execute())
	case "getOrgGroups":
		return pack(client.OrganizationsApi.GetOrgGroups(ctx, args[0]).Execute())
	case "getGroup":
		return pack(client.ProjectsApi.GetGroup(ctx, args[0]).Execute())
	case "listClusters":
		return pack(client.ClustersApi.ListClusters(ctx, args[0]).Execute())
	}
	return administer(client, call, args)
}

// sendOlder posts a body of the version 2023-01-01, which the SDK's own types no longer know.
func sendOlder(client *admin.APIClient, path, body string) (any, *http.Response, error) {
	untyped, older := client.UntypedClient, "application/vnd.atlas.2023-01-01+json"
	headers := map[string]string{"Accept": older, "Content-Type": older}
	prepared, err := untyped.PrepareRequest(context.Background(), client.GetConfig().Servers[0].URL+path, http.MethodPost, json.RawMessage(body), headers, nil, nil, nil)
	exitOn(err)
	response, err := untyped.CallAPI(prepared)
	exitOn(err)
	if response.StatusCode >= http.StatusMultipleChoices {
		return nil, response, untyped.MakeApiError(response, http.MethodPost, path)
	}
	result := new(admin.LiveImportValidation)
	return pack(result, response, json.NewDecoder(response.Body).Decode(result))
}

// useRevoked asks with a token that is good, revokes it, and asks with it again.
func useRevoked(url, id, secret string) (any, *http.Response, error) {
	ctx := context.Background()
	config := clientcredentials.NewConfig(id, secret)
	config.TokenURL, config.RevokeURL = url+clientcredentials.TokenAPIPath, url+clientcredentials.RevokeAPIPath
	token, err := config.Token(ctx)
	exitOn(err)
	client, err := admin.NewClient(admin.UseBaseURL(url), admin.UseHTTPClient(&http.Client{Transport: bearer(token.AccessToken)}))
	exitOn(err)
	_, _, err = client.OrganizationsApi.ListOrgs(ctx).Execute()
	exitOn(err)
	exitOn(config.RevokeToken(ctx, &auth.Token{AccessToken: token.AccessToken, TokenType: token.TokenType, Expiry: token.Expiry}))
	return pack(client.OrganizationsApi.ListOrgs(ctx).Execute())
}

// bearer sends one token with each request, and fetches no other when it is refused.
type bearer string

func (token bearer) RoundTrip(request *http.Request) (*http.Response, error) {
	request.Header.Set("Authorization", "Bearer "+string(token))
	return http.DefaultTransport.RoundTrip(request)
}

func pack[T any](result T, response *http.Response, err error) (any, *http.Response, error) {
	return result, response, err
}

func parse[T any](text string) *T {
	body := new(T)
	exitOn(json.Unmarshal([]byte(text), body))
	return body
}

func exitOn(err error) {
	if err != nil {
		println(err.Error())
		os.Exit(1)
	}
}
