/** What a JSON value is. */
export enum Kind {
  Missing,
  Null,
  False,
  True,
  Number,
  String,
  Array,
  Object,
}
