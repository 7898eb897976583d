/* The client's earlier address. */

export * from "../learning/client.js";
