using Formation.Inference.Engine.Sequences;

namespace Formation.Inference.Engine.Scheduling;

/// <summary>
/// The order between accounts: a virtual token counter for each ("Fairness in serving large language models", Sheng et al., OSDI 2024). Who
/// has been served least comes first; an account that was idle joins at the level of those that were not, so idling saves nothing up.
/// </summary>
internal sealed class FairShares
{
    readonly Dictionary<string, AccountShare> _shares = new(StringComparer.Ordinal);

    /// <summary>Accounts that have sequences waiting or running.</summary>
    public IEnumerable<AccountShare> Active => _shares.Values.Where(share => share.Sequences.Count > 0);

    public AccountShare this[Sequence sequence] => _shares[sequence.Group.AccountId];

    /// <summary>Number of accounts remembered.</summary>
    public int Count => _shares.Count;

    public void Join(Sequence sequence)
    {
        var account = sequence.Group.AccountId;
        if (!_shares.TryGetValue(account, out var share))
            _shares.Add(account, share = new AccountShare());
        if (share.Sequences.Count == 0)
            share.Served = Math.Max(share.Served, Active.Select(other => other.Served).DefaultIfEmpty(0).Min());
        share.Sequences.Add(sequence);
    }

    public void Leave(Sequence sequence)
    {
        var share = this[sequence];
        share.Sequences.Remove(sequence);
        share.Ready.Remove(sequence);
        if (share.Sequences.Count > 0)
            return;

        // An idle account is remembered while it is ahead of the least served active one: forgetting it would forgive what it used.
        var least = Active.Select(other => other.Served).DefaultIfEmpty(long.MaxValue).Min();
        foreach (var (account, idle) in _shares.ToArray())
            if (idle.Sequences.Count == 0 && idle.Served <= least)
                _shares.Remove(account);
    }
}

/// <summary>One account's part of the engine.</summary>
internal sealed class AccountShare
{
    static readonly Comparer<Sequence> ByArrival = Comparer<Sequence>.Create((left, right) => left.Id.CompareTo(right.Id));

    /// <summary>Service received, in weighted tokens.</summary>
    public long Served { get; set; }

    /// <summary>All sequences that are not finished, oldest first.</summary>
    public SortedSet<Sequence> Sequences { get; } = new(ByArrival);

    /// <summary>Sequences that may be worked on and do not just decode: waiting ones and those in prefill, oldest first.</summary>
    public SortedSet<Sequence> Ready { get; } = new(ByArrival);
}
