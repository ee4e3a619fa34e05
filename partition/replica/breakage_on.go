//go:build breakage

package replica

// active is the rule that this build breaks; set by a test before anything runs.
var active breakage

func broken(b breakage) bool { return b == active }
