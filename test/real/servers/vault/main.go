// A Vault server for the tests: Vault's own core, HTTP API and engines, and storage in memory.
//
// Vault's whole program cannot be built by a plain `go install`, and links plugins for fifty clouds, so this links what
// the tests use. It starts uninitialised and sealed, as Vault does, and is set up through its API.
package main

import (
	"flag"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
	kubernetes "github.com/hashicorp/vault-plugin-auth-kubernetes"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/builtin/credential/approle"
	"github.com/hashicorp/vault/builtin/logical/transit"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

type factories map[string]logical.Factory

var (
	engines     = factories{"kv": kv.Factory, "transit": transit.Factory}
	authMethods = factories{"approle": approle.Factory, "kubernetes": kubernetes.Factory}
)

// registry says which plugins are built in: those above, of one version.
type registry struct{}

func (registry) of(kind consts.PluginType) factories {
	switch kind {
	case consts.PluginTypeSecrets:
		return engines
	case consts.PluginTypeCredential:
		return authMethods
	}
	return nil
}

func (r registry) Contains(name string, kind consts.PluginType) bool {
	_, found := r.of(kind)[name]
	return found
}

func (r registry) Get(name string, kind consts.PluginType) (func() (interface{}, error), bool) {
	factory, found := r.of(kind)[name]
	return func() (interface{}, error) { return factory, nil }, found
}

func (r registry) Keys(kind consts.PluginType) []string {
	var names []string
	for name := range r.of(kind) {
		names = append(names, name)
	}
	return names
}

func (r registry) DeprecationStatus(name string, kind consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, r.Contains(name, kind)
}

func newCore() (*vault.Core, error) {
	logger := hclog.New(&hclog.LoggerOptions{Output: os.Stderr, Level: hclog.Info})
	storage, err := inmem.NewInmem(nil, logger)
	if err != nil {
		return nil, err
	}
	return vault.NewCore(&vault.CoreConfig{
		BuiltinRegistry:    registry{},
		LogicalBackends:    engines,
		CredentialBackends: authMethods,
		Physical:           storage,
		Logger:             logger,
		// Its memory may be swapped out: the keys in it are those of a test.
		DisableMlock:    true,
		DefaultLeaseTTL: time.Hour,
		MaxLeaseTTL:     24 * time.Hour,
	})
}

func main() {
	address := flag.String("address", "127.0.0.1:0", "where it listens")
	cert := flag.String("cert", "", "PEM file of its certificate; plain HTTP without")
	key := flag.String("key", "", "PEM file of the certificate's key")
	flag.Parse()

	core, err := newCore()
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Handler: vaulthttp.Handler.Handler(&vault.HandlerProperties{Core: core})}
	if *cert == "" {
		log.Fatal(server.Serve(listener))
	}
	log.Fatal(server.ServeTLS(listener, *cert, *key))
}
