/** include/uapi/linux/prctl.h, prctl(2). */
export const PR_SET_PDEATHSIG = 1;
export const PR_SET_NAME = 15;
export const PR_SET_TIMERSLACK = 29;
