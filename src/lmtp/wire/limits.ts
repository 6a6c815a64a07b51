/** How much of a message is taken at once; what a read of the connection gives at most. */
export const BLOCK_BYTES: number = 64 * 1024;
/**
 * How much of a message that is refused is read away, so that the client hears why; a client that
 * sends more than that is cut off.
 */
export const DRAIN_BYTES_MAX: number = 256 * 1024 * 1024;
