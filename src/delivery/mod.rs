//! Sending: the row before the wire, the outcome after the reply.
