using Formation.Inference.Gateway.Errors;

namespace Formation.Inference.Gateway.Limits;

/// <summary>Counts the generations in progress, of each account and of all, and refuses those above the limits.</summary>
internal sealed class RequestGate(GatewayOptions options)
{
    readonly Lock _lock = new();
    readonly Dictionary<string, int> _ofAccount = new(StringComparer.Ordinal);
    int _total;

    /// <summary>Generations in progress.</summary>
    internal int Total => Volatile.Read(ref _total);

    /// <summary>Takes a place, which the permit gives back when it is disposed.</summary>
    /// <exception cref="ApiErrorException">All places are taken (429).</exception>
    internal Permit Enter(string accountId)
    {
        lock (_lock)
        {
            int ofAccount = _ofAccount.GetValueOrDefault(accountId);
            if (ofAccount >= options.MaxConcurrentRequestsPerAccount)
                throw new ApiErrorException(ApiErrors.TooManyRequests(options.MaxConcurrentRequestsPerAccount, ofAccount: true));
            if (_total >= options.MaxConcurrentRequests)
                throw new ApiErrorException(ApiErrors.TooManyRequests(options.MaxConcurrentRequests, ofAccount: false));
            _ofAccount[accountId] = ofAccount + 1;
            _total++;
        }

        return new Permit(this, accountId);
    }

    void Leave(string accountId)
    {
        lock (_lock)
        {
            _total--;
            if (--_ofAccount[accountId] == 0)
                _ofAccount.Remove(accountId);
        }
    }

    internal sealed class Permit(RequestGate gate, string accountId) : IDisposable
    {
        RequestGate? _gate = gate;

        public void Dispose() => Interlocked.Exchange(ref _gate, null)?.Leave(accountId);
    }
}
