/** What can go wrong, by the name of its text in the template. */

/** @typedef {"webgl" | "file" | "engine" | "network" | "lost"} ProblemName */

export class ProblemError extends Error {
  /**
   * @param {ProblemName} name
   * @param {string} detail for the console, and for the network's text
   */
  constructor(name, detail) {
    super(detail);
    this.problem = name;
  }
}

/** Any error as one that a text exists for; a parser's own complaints are about the file. */
export function asProblem(error) {
  return error instanceof ProblemError ? error : new ProblemError("file", String(error));
}
