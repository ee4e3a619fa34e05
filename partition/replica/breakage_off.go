//go:build !breakage

package replica

// broken is false in every build but the tests of the tests.
func broken(breakage) bool { return false }
