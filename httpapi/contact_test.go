package httpapi_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pipelinedht/httpapi"
)

func TestJoinListsThatCanBeRead(t *testing.T) {
	one, two := httpapi.Contact{Name: "peer1", Address: "a:1"}, httpapi.Contact{Name: "peer2", Address: "b.c-d_e:65535"}
	for _, c := range []struct {
		name, list string
		want       []httpapi.Contact
	}{
		{"one entry", "peer1:a:1", []httpapi.Contact{one}},
		{"one line", "peer1:a:1\r\n", []httpapi.Contact{one}},
		{"lines that end in CR LF", "peer1:a:1\r\npeer2:b.c-d_e:65535\r\n", []httpapi.Contact{one, two}},
		{"lines that end in LF", "peer1:a:1\npeer2:b.c-d_e:65535", []httpapi.Contact{one, two}},
		{"commas", "peer1:a:1,peer2:b.c-d_e:65535", []httpapi.Contact{one, two}},
		{"blanks", "peer1:a:1 peer2:b.c-d_e:65535", []httpapi.Contact{one, two}},
		{"all of them at once", "\n, peer1:a:1 ,\r\n\tpeer2:b.c-d_e:65535,,", []httpapi.Contact{one, two}},
		{"an IPv4 address", "p:127.0.0.1:9876", []httpapi.Contact{{Name: "p", Address: "127.0.0.1:9876"}}},
		{"an IPv6 address", "p:[::1]:9876", []httpapi.Contact{{Name: "p", Address: "[::1]:9876"}}},
		{"an IPv6 address with a zone", "p:[fe80::1%eth0]:9876", []httpapi.Contact{{Name: "p", Address: "[fe80::1%eth0]:9876"}}},
		{"names in any letters", "größe/1%:höst:1", []httpapi.Contact{{Name: "größe/1%", Address: "höst:1"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := httpapi.ParseContacts(c.list)
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%q: got %v, %v, want %v", c.list, got, err, c.want)
			}
		})
	}
}

func TestJoinListsOfEveryWrongShape(t *testing.T) {
	for _, c := range []struct{ name, list, words string }{
		{"nothing", "", "the list is empty"},
		{"nothing but separators", " ,\r\n\t", "the list is empty"},
		{"a word", "peer1", `entry 1: "peer1" is not name:host:port`},
		{"an address without a name", "localhost:9876", `"localhost:9876" is not name:host:port`},
		{"an empty name", ":a:1", `":a:1" is not name:host:port`},
		{"an empty host", "p::1", "no host"},
		{"an empty port", "p:a:", `the port ""`},
		{"port 0", "p:a:0", `the port "0"`},
		{"a port above all", "p:a:65536", `the port "65536"`},
		{"a port that is a word", "p:a:http", `the port "http"`},
		{"a port with a sign", "p:a:+1", `the port "+1"`},
		{"an IPv6 address without brackets", "p:::1:9876", "brackets"},
		{"an IPv6 address that is none", "p:[::g]:9876", "no valid IPv6"},
		{"brackets that do not close", "p:[::1:9876", "is not host:port"},
		{"a URL", "http://a:1", `a '/' in its host: give host:port, no URL`},
		{"a bad entry after a good one", "p:a:1,garbage", `entry 2: "garbage"`},
		{"a name with NUL", "p\x00:a:1", "control"},
		{"a name with a blank that is no ASCII", "p\u00a0:a:1", "blank"},
		{"a name that is not UTF-8", "\xff:a:1", "not UTF-8"},
		{"a host that is not UTF-8", "p:\xff:1", "in its host"},
		{"a name too long", strings.Repeat("n", 65) + ":a:1", "65 bytes: at most 64"},
		{"an entry without end", strings.Repeat("x", 60_000), "..."},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := httpapi.ParseContacts(c.list)
			if !errors.Is(err, httpapi.ErrJoin) || !strings.Contains(err.Error(), c.words) {
				t.Errorf("%.40q: got %v, %v, want ErrJoin with %q", c.list, got, err, c.words)
			}
			if err != nil && len(err.Error()) > 300 {
				t.Errorf("%.40q: the error has %d bytes", c.list, len(err.Error()))
			}
		})
	}
}

func TestNames(t *testing.T) {
	for name, good := range map[string]bool{
		"peer1": true, "ü": true, "a.b/c%d": true, strings.Repeat("n", 64): true,
		"": false, strings.Repeat("n", 65): false, "a:b": false, "a b": false, "a,b": false, "a\nb": false, "\x7f": false, "\xc3": false,
	} {
		if err := httpapi.CheckName(name); (err == nil) != good {
			t.Errorf("name %q: got %v, want it good: %v", name, err, good)
		}
	}
}

func FuzzJoinLists(f *testing.F) {
	for _, list := range []string{"p:a:1", "p:[::1]:1\r\nq:b:2", "", ":::", "p:a:1,,q", "\xff:\x00:1"} {
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, list string) {
		contacts, err := httpapi.ParseContacts(list)
		if err != nil {
			if !errors.Is(err, httpapi.ErrJoin) || contacts != nil {
				t.Fatalf("%q: got %v and error %v, want ErrJoin alone", list, contacts, err)
			}
			return
		}
		var lines []string
		for _, c := range contacts {
			if err := errors.Join(httpapi.CheckName(c.Name), httpapi.CheckAddress(c.Address)); err != nil {
				t.Fatalf("%q: got %v, which is refused elsewhere: %v", list, c, err)
			}
			lines = append(lines, c.Name+":"+c.Address)
		}
		again, err := httpapi.ParseContacts(strings.Join(lines, "\r\n"))
		if err != nil || !slices.Equal(again, contacts) {
			t.Fatalf("%q: got %v, written out and read again %v, %v", list, contacts, again, err)
		}
	})
}
