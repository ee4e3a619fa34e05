//go:build breakage

package replica

import "fmt"

// active is the rule that this build breaks; set before anything runs.
var active breakage

func broken(b breakage) bool { return b == active }

// Break has the whole process break the rule of that name, from its start on: the
// tests of real processes must notice.
func Break(name string) error {
	for b, its := range map[breakage]string{
		readWithoutCheck: "read without check",
		ackAcrossTerms:   "ack across terms",
		forgetUnknown:    "forget unknown",
		growUncounted:    "grow uncounted",
		grantBeforeUp:    "grant before up",
		takeEarly:        "take early",
	} {
		if its == name {
			active = b
			return nil
		}
	}
	return fmt.Errorf("no rule has the name %q", name)
}
