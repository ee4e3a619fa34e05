package httpapi

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxName is the longest name of a node, in bytes.
const MaxName = 64

// CheckName says what is wrong with the name of a node, nil if nothing is. A
// name stands in join lists and in lines of its own, so nothing that separates
// there may be in it.
func CheckName(name string) error {
	switch {
	case name == "":
		return errors.New("a node needs a name, unique in its cluster")
	case len(name) > MaxName:
		return fmt.Errorf("name %q has %d bytes: at most %d are allowed", shorten(name), len(name), MaxName)
	case !utf8.ValidString(name):
		return fmt.Errorf("name %q is not UTF-8", name)
	}
	for _, r := range name {
		if r == ':' || r == ',' || unicode.IsSpace(r) || unicode.IsControl(r) {
			return fmt.Errorf("name %q has a %q: a name has no colon, comma, blank or control character", name, r)
		}
	}
	return nil
}

// CheckAddress says what is wrong with an address, nil if it is host:port. It
// resolves nothing.
func CheckAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		var detail *net.AddrError
		if errors.As(err, &detail) && detail.Err == "too many colons in address" {
			return fmt.Errorf("address %q has too many colons: give host:port, an IPv6 host in brackets as in [::1]:9876", shorten(address))
		}
		return fmt.Errorf("address %q is not host:port", shorten(address))
	}
	if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 {
		return fmt.Errorf("address %q has the port %q: give a number from 1 to 65535", shorten(address), shorten(port))
	}
	if host == "" {
		return fmt.Errorf("address %q has no host: give host:port", shorten(address))
	}
	if strings.Contains(host, ":") {
		if _, err := netip.ParseAddr(host); err != nil {
			return fmt.Errorf("address %q has no valid IPv6 host in its brackets", shorten(address))
		}
		return nil
	}
	for _, r := range host {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '.' && r != '-' && r != '_' {
			return fmt.Errorf("address %q has a %q in its host: give host:port, no URL", shorten(address), r)
		}
	}
	return nil
}

// ParseContacts reads a join list: name:host:port, separated by CR LF, LF,
// commas or blanks. Errors name the entry, counted from 1, and are ErrJoin.
func ParseContacts(list string) ([]Contact, error) {
	var contacts []Contact
	entries := strings.FieldsFunc(list, func(r rune) bool {
		return r == '\r' || r == '\n' || r == ',' || r == ' ' || r == '\t'
	})
	for i, entry := range entries {
		contact, err := parseContact(entry)
		if err != nil {
			return nil, fmt.Errorf("%w: entry %d: %w", ErrJoin, i+1, err)
		}
		contacts = append(contacts, contact)
	}
	if len(contacts) == 0 {
		return nil, fmt.Errorf("%w: the list is empty: name peers of the cluster to join as name:host:port, one a line", ErrJoin)
	}
	return contacts, nil
}

func parseContact(entry string) (Contact, error) {
	name, address, _ := strings.Cut(entry, ":")
	if name == "" || !strings.Contains(address, ":") {
		return Contact{}, fmt.Errorf("%q is not name:host:port", shorten(entry))
	}
	if err := CheckName(name); err != nil {
		return Contact{}, err
	}
	if err := CheckAddress(address); err != nil {
		return Contact{}, err
	}
	return Contact{Name: name, Address: address}, nil
}
