import { store } from '@penstock/sdk'

/** What a buyer gets who is one too many. */
export const SOLD_OUT: i64 = 0
/** Another request of the same buyer is being decided at this moment. */
export const UNDECIDED: i64 = -1

/** How long a claim stands that was never decided, because the gateway ended the request in between. */
const CLAIM_MS: i64 = 10_000
const CLAIMED = 'claimed'

/** How many permits of a sale were given out; every operation is one step for the whole gateway. */
@final
export class Stock {
  private sold: string
  private buyers: string
  private size: i64

  constructor(sale: string, size: i64) {
    this.sold = `${sale}:sold`
    this.buyers = `${sale}:buyer:`
    this.size = size
  }

  /** A permit for whoever asks: its number, from 1, or `SOLD_OUT`. */
  take(): i64 {
    // The many who come too late must not make the counter grow.
    if (store.getInteger(this.sold) >= this.size) return SOLD_OUT
    const number = store.add(this.sold)
    if (number <= this.size) return number
    // Still at its end: nobody finds a unit that is given back like this.
    store.add(this.sold, -1)
    return SOLD_OUT
  }

  /** The permit of this buyer, which is the same one every time; `SOLD_OUT` or `UNDECIDED` without one. */
  takeFor(buyer: string): i64 {
    const known = this.permitOf(buyer)
    if (known != SOLD_OUT) return known
    if (store.getInteger(this.sold) >= this.size) return SOLD_OUT
    const key = this.buyers + buyer
    // First the buyer, then the counter: two requests of one buyer must not take two.
    if (!store.swap(key, null, CLAIMED, CLAIM_MS)) return this.permitOf(buyer)
    const number = this.take()
    if (number == SOLD_OUT) store.remove(key)
    else store.put(key, number)
    return number
  }

  /** The permit this buyer has. */
  permitOf(buyer: string): i64 {
    const value = store.get(this.buyers + buyer)
    if (value === null) return SOLD_OUT
    return value == CLAIMED ? UNDECIDED : I64.parseInt(value)
  }
}
