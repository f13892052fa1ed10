// Creates and lists by a client that oapi-codegen has generated from /openapi.json as the package api.
// Arguments: the server's URL, an access token, the id of the organization. It prints the statuses of its requests.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"linkspan.example/generated-client/api"
)

func main() {
	url, token, orgID := os.Args[1], os.Args[2], os.Args[3]
	ctx := context.Background()
	client, err := api.NewClientWithResponses(url, api.WithRequestEditorFn(func(_ context.Context, req *http.Request) error {
		req.Header.Set("Authorization", "Bearer "+token)
		// Go sends no Accept header by itself.
		req.Header.Set("Accept", "*/*")
		return nil
	}))
	must(err)
	created, err := client.CreateOrgLiveMigrationLinkTokenWithApplicationVndAtlas20230101PlusJSONBodyWithResponse(ctx, orgID, nil, api.TargetOrgRequest{})
	must(err)
	listed, err := client.ListOrgLiveMigrationAvailableProjectsWithResponse(ctx, orgID, nil)
	must(err)
	fmt.Println(created.StatusCode(), len(created.ApplicationvndAtlas20230101JSON201.LinkToken) > 0, listed.StatusCode())
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
