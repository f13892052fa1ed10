/** The migration is in a later direction, whose record is on the same cluster. */
export class OtherDirection extends Error {
  readonly reversals: number;

  constructor(reversals: number) {
    super(`The migration has been reversed ${reversals} times`);
    this.reversals = reversals;
  }
}
