/** The version of `sora` and `sora-admin`. */
export const VERSION = "0.1.0";
