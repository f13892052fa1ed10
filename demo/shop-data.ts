import { Decimal128, type Document, Int32, ObjectId } from 'mongodb';
import { SeededRandom } from '../test/support/seeded-random.ts';
import type { Dataset, DemoData } from './data.ts';

const SEED = 1;
const CUSTOMERS = 10_000;
const PRODUCTS = 2_000;
const ORDERS = 50_000;
const VISITS = 60_000;
const FIRST_ORDER = Date.UTC(2026, 0, 1);
const BETWEEN_ORDERS_MS = 2 * 60_000;
const CITIES = ['Accra', 'Berlin', 'Bogotá', 'Chennai', 'Lisbon', 'Montréal', 'Osaka', '서울'];
const PAGES = ['/', '/search', '/product', '/basket', '/checkout'];
const STATES = ['paid', 'packed', 'sent', 'returned'];

/** A web shop, generated: the same documents in each run. */
export const shopData: DemoData = {
  origin: 'a generated web shop',
  datasets: generate,
  indexes: {
    customers: [{ key: { email: 1 }, unique: true }, { key: { city: 1, name: 1 } }, { key: { location: '2dsphere' } }],
    products: [{ key: { sku: 1 }, unique: true }, { key: { name: 'text' } }],
    orders: [
      { key: { customer: 1, at: -1 } },
      { key: { state: 1 }, partialFilterExpression: { state: 'returned' } },
      { key: { 'lines.product': 1 } },
    ],
    visits: [{ key: { page: 'hashed' } }],
  },
  view: {
    name: 'returns',
    viewOn: 'orders',
    pipeline: [{ $match: { state: 'returned' } }, { $project: { customer: 1, at: 1 } }],
  },
  // One collection that only the live load writes to.
  written: ['orders', 'visits', 'ledger'],
};

function* generate(): Generator<Dataset> {
  const random = new SeededRandom(SEED);
  const make = (length: number, one: (index: number) => Document) => Array.from({ length }, (_, index) => one(index));
  const at = (index: number) => new Date(FIRST_ORDER + index * BETWEEN_ORDERS_MS);
  const price = () => Decimal128.fromString(`${random.integer(200)}.${10 + random.integer(90)}`);
  yield {
    collection: 'customers',
    documents: make(CUSTOMERS, (index) => ({
      _id: `customer-${index}`,
      name: `Customer ${index}`,
      email: `customer-${index}@shop.example`,
      city: random.pick(CITIES),
      location: { type: 'Point', coordinates: [random.next() * 360 - 180, random.next() * 160 - 80] },
    })),
  };
  yield {
    collection: 'products',
    documents: make(PRODUCTS, (index) => ({
      _id: new Int32(index),
      sku: `S-${index.toString(36).padStart(6, '0')}`,
      name: `Product ${index}`,
      price: price(),
    })),
  };
  yield {
    collection: 'orders',
    documents: make(ORDERS, (index) => ({
      _id: new ObjectId(),
      customer: `customer-${random.integer(CUSTOMERS)}`,
      at: at(index),
      state: random.pick(STATES),
      lines: make(1 + random.integer(4), () => ({
        product: new Int32(random.integer(PRODUCTS)),
        quantity: new Int32(1 + random.integer(5)),
        price: price(),
      })),
    })),
  };
  yield {
    collection: 'visits',
    documents: make(VISITS, (index) => ({
      _id: new ObjectId(),
      at: at(index),
      page: random.pick(PAGES),
      customer: `customer-${random.integer(CUSTOMERS)}`,
    })),
  };
}
