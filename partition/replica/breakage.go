package replica

// breakage names a rule of the protocol that a test build (tag breakage) can
// leave out, to show that the simulation notices.
type breakage uint8

const (
	readWithoutCheck breakage = iota + 1 // answer a read without the check after it
	ackAcrossTerms                       // count an acknowledgement of another term
	forgetUnknown                        // give up on a proposal whose outcome is unknown
	growUncounted                        // propose a larger set before counting the learner
	grantBeforeUp                        // grant before the own PeerUp is applied
	takeEarly                            // take over when half of the promise has run out
)
