// Package discover stands for the search for other nodes in clouds, which the tests' Vault has none of.
package discover

import (
	"errors"
	"log"
)

type Provider interface{}

type Discover struct{}

type Option func(*Discover) error

var Providers map[string]Provider

func WithProviders(map[string]Provider) Option {
	return nil
}

func New(...Option) (*Discover, error) {
	return &Discover{}, nil
}

func (*Discover) Addrs(string, *log.Logger) ([]string, error) {
	return nil, errors.New("left out of the tests' Vault")
}
