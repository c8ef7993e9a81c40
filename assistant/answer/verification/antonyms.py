"""Opposites as data: words of which a statement cannot hold both, by hand.

Each line has one side and the other; the forms of English words (-s, -ed, -ing) are found by their
stems. Only what is exchanged in the very place of the other counts, so that a word may be in
several lines.
"""

PAIRS = """
enable | disable
keep retain maintain | raise lift hike cut lower increase reduce slash
acquit | convict
guilty | innocent
add added adding insert install | remove delete uninstall
attach | detach
attack | defend
arrive | depart
ascend climb | descend
assemble | disassemble dismantle
absent | present
accelerate | decelerate slow
active | inactive passive dormant
advantage benefit | disadvantage drawback
agree | disagree
alive living | dead
alkaline | acidic
amateur | professional
ancient old | modern new
appoint hire | dismiss fire
arrest detain | release free
asleep | awake
assets | liabilities
bless | curse
blunt dull | sharp
bottom | top
bright light | dark
broad wide | narrow
build construct | demolish
busy | idle
calm | stormy
cause trigger | cure prevent treat
ceiling | floor
clean | dirty polluted
clockwise | anticlockwise counterclockwise
common | rare uncommon
compress | decompress expand
complicated complex | simple
concave | convex
confirm | deny refute
connect | disconnect
conservative | liberal progressive
constant | variable
contract shrink | expand
correct | incorrect wrong
cruel | kind
customer client | supplier vendor
credit | debit
creditor lender | debtor borrower
dad father | mum mom mother
brother | sister
son | daughter
husband | wife
uncle | aunt
king | queen
actor | actress
deep | shallow
defendant | plaintiff claimant
demand | supply
deposit | withdraw withdrawal
decode decrypt | encode encrypt
deflate | inflate
descendant | ancestor
die | survive
difficult hard | easy simple
domestic | foreign overseas
download | upload
downstream | upstream
downstairs | upstairs
dry | wet damp
dynamic | static
empty | full
encourage | discourage
enemy | ally friend
enter | exit
even | odd
exact precise | approximate
exhale | inhale
explicit | implicit
external exterior outer | internal interior inner
extend lengthen | shorten
fail | succeed pass
fast quick rapid | slow
fat thick | thin
fertile | barren
fill | empty drain
finite | infinite
fixed | variable floating
flexible | rigid
flow | ebb
forget | remember
forward forwards | backward backwards
fragile | sturdy robust
freeze solidify | melt boil thaw
boil | freeze
fresh | stale salt
front | back rear
future | past
gain profit | loss
gather collect | scatter distribute
generous | stingy
giver donor | recipient
grant award | deny refuse revoke withhold
guest visitor | host
happy glad | sad unhappy
hard | soft
harmful | harmless beneficial
healthy | sick ill unhealthy
heavy | light
heaven | hell
hide conceal | reveal show display
hinder | help
horizontal | vertical
hire | dismiss
hostile | friendly
humid | arid dry
identical | different
ignite | extinguish
include | exclude
inhibit suppress block | activate stimulate promote
innocuous | dangerous
input | output
junior | senior
landlord lessor | tenant lessee renter
large big huge | small little tiny
latter | former
leader | follower
lengthy long | short brief
less least | more most
like love enjoy prefer | dislike hate avoid
likely probable | unlikely improbable
liquid | solid gaseous
load | unload
local | remote global
lock | unlock
loose | tight
loud noisy | quiet silent
loyal | disloyal
lucky | unlucky
male | female
mandatory | optional
manual | automatic
major | minor
married | divorced single
maximise maximize | minimise minimize
mature | immature
merge unite | split separate
minus | plus
mobile movable | stationary immobile fixed
moist | dry
natural | artificial synthetic
near close | far distant
nice | nasty
nominate | reject
normal | abnormal
obey | disobey
occupied | vacant
offline | online
older elder | younger
opaque | transparent
optimistic | pessimistic
order | cancel
ordinary | extraordinary
overestimate | underestimate
overt | covert
pack | unpack
pardon | punish
patient | doctor nurse
peace | war
permanent | temporary
plural | singular
poison | antidote
polite | rude
praise | criticise criticize blame
predator | prey
presence | absence
primary | secondary
promote | demote
proponent supporter | opponent critic
pull | push
pure | impure mixed
question ask | answer
raw | cooked
receive | send
recommend | discourage
regular | irregular
reward | punish
rise ascend | sink fall
rough | smooth
rural | urban
save | spend waste
scarce | abundant plentiful
seldom | often
serial sequential | parallel
shrink | grow
sink | float
slavery | freedom
sober | drunk
sour | sweet
stable | unstable
start launch | stop halt cancel
strengthen | weaken
strict | lenient
subsequent | previous
subtract | add
superior | inferior
surplus | deficit shortage
symmetric | asymmetric
synchronous | asynchronous
tall | short
teach | learn
theory | practice
together | apart
tie | untie
triumph | defeat
trust | distrust
true | false
turn-on | turn-off
understand | misunderstand
uniform | varied
up | down
upper | lower
upgrade | downgrade
useful | useless
victory | defeat
victim | perpetrator
virtue | vice
visible | invisible hidden
voluntary | compulsory
warn | reassure
warm heat | cool chill
waxing | waning
wild | tame
win | lose
wealth | poverty
worse worst | better best
worsen deteriorate aggravate | improve ameliorate relieve
young | old
younger youngest | older oldest
zenith | nadir
shipper exporter | importer
insurer | insured policyholder
complainant | respondent
majority most | minority
net | gross
weekday weekdays | weekend weekends
breakfast | dinner
sunrise dawn | sunset dusk
import | export
inbound | outbound incoming
ingress | egress
prefix | suffix
client | server
push | pop
encrypt | decrypt
mount | unmount
read | write
allow | block deny
whitelist allowlist | blacklist blocklist denylist
ascending | descending
synchronize | desynchronize
prologue | epilogue
emigrate | immigrate
endorse back | oppose
ratify sign | veto reject
annex | cede
invade | liberate
surrender | resist
evict | admit
lift impose | repeal
impose introduce | lift scrap abolish repeal
adopt pass | reject repeal
fulfil comply | violate breach
hypertension | hypotension
hyperglycemia | hypoglycemia
systolic | diastolic
benign | malignant
acute | chronic
artery | vein
oral | topical
male males boy boys | female females girl girls
adult adults | child children minor minors
employer employers | employee employees
prosecution | defence defense
raise raised lift | lower lowered cut reduce decrease
increase | lower reduce cut decrease
gained | shed
deposit | withdraw
doubled | halved
double | halve
"""
