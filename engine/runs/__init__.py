"""One run's life: from accepted to proven gone, and billed once.

``states`` holds the values, ``decide`` the rules as one pure function, ``store`` what survives a
crash, ``settlement`` what a run owes when it ends, ``controller`` the loop that observes, decides,
writes and acts. The controller may be killed between any two instructions; the next one reads the
store, looks at the cloud, and goes on.
"""
