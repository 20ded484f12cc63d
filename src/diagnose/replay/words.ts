/** Why checks of the schedule have nothing to say. */
export const FULL_SPEED = 'full speed: requests follow the replies, and there is no schedule to be true to';
