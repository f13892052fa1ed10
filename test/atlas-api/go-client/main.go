// Command go-client makes one request with the official Go client of the Atlas Administration API v1.0 and prints what came of it as JSON.
//
//	go-client URL PUBLIC_KEY PRIVATE_KEY CALL ID [ID_OR_BODY]
package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"

	"github.com/mongodb-forks/digest"
	atlas "go.mongodb.org/atlas/mongodbatlas"
)

// outcome is what the test reads: the HTTP status, what the client made of the body, and the error that it reported.
type outcome struct {
	Status int                  `json:"status"`
	Result any                  `json:"result,omitempty"`
	Error  *atlas.ErrorResponse `json:"error,omitempty"`
	Other  string               `json:"other,omitempty"`
}

func main() {
	url, publicKey, privateKey, call := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	httpClient, err := digest.NewTransport(publicKey, privateKey).Client()
	exitOn(err)
	client, err := atlas.New(httpClient, atlas.SetBaseURL(url+"/"))
	exitOn(err)
	result, response, err := request(client, call, os.Args[5:])
	printed := outcome{Result: result}
	if response != nil && response.Response != nil {
		printed.Status = response.StatusCode
	}
	if err != nil && !errors.As(err, &printed.Error) {
		printed.Other = err.Error()
	}
	if printed.Error != nil {
		printed.Error.Response = nil
	}
	exitOn(json.NewEncoder(os.Stdout).Encode(printed))
}

func request(client *atlas.Client, call string, args []string) (any, *atlas.Response, error) {
	ctx := context.Background()
	switch call {
	case "createToken":
		return pack(client.LiveMigration.CreateLinkToken(ctx, args[0], &atlas.TokenCreateRequest{AccessListIPs: args[1:]}))
	case "deleteToken":
		response, err := client.LiveMigration.DeleteLinkToken(ctx, args[0])
		return nil, response, err
	case "validate":
		return pack(client.LiveMigration.CreateValidation(ctx, args[0], body(args[1])))
	case "validation":
		return pack(client.LiveMigration.GetValidationStatus(ctx, args[0], args[1]))
	case "create":
		return pack(client.LiveMigration.Create(ctx, args[0], body(args[1])))
	case "get":
		return pack(client.LiveMigration.Get(ctx, args[0], args[1]))
	case "start":
		return pack(client.LiveMigration.Start(ctx, args[0], args[1]))
	case "organizations":
		return pack(client.Organizations.List(ctx, nil))
	case "projects":
		return pack(client.Projects.GetAllProjects(ctx, nil))
	}
	return nil, nil, errors.New("unknown call " + call)
}

func pack[T any](result T, response *atlas.Response, err error) (any, *atlas.Response, error) {
	return result, response, err
}

func body(text string) *atlas.LiveMigration {
	migration := new(atlas.LiveMigration)
	exitOn(json.Unmarshal([]byte(text), migration))
	return migration
}

func exitOn(err error) {
	if err != nil {
		println(err.Error())
		os.Exit(1)
	}
}
