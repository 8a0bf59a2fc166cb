/** A value that is there, or will be. A promise for each that is there would cost a request more than most of its rooms. */
export type Awaitable<T> = T | Promise<T>

/** What `next` makes of a value: at once where it is there. */
export const andThen = <T, U>(
  value: Awaitable<T>,
  next: (value: T) => Awaitable<U>,
): Awaitable<U> => (value instanceof Promise ? value.then(next) : next(value))
