namespace Formation.Inference.Cluster.Routing;

/// <summary>
/// Decides when enough heads were lost to one request. A request that gets nearer to its end with each head may lose many; one that ends
/// heads before they draw a token for it is likely to be the reason. Belongs to one request.
/// </summary>
internal sealed class RetryBudget(ClusterBackendOptions options)
{
    private int _all;
    private int _withoutProgress;
    private int _atOnce;

    /// <summary>Losses in a row without progress.</summary>
    public int InARow => _withoutProgress;

    /// <summary>Whether the request is given to no head any more.</summary>
    public bool IsSpent =>
        _all >= options.MaxLosses || _withoutProgress >= options.MaxLossesWithoutProgress || _atOnce >= options.MaxLossesAtOnce;

    /// <summary>Notes the end of an attempt.</summary>
    /// <param name="loss">What happened to the head.</param>
    /// <param name="lasted">Time since it got the request.</param>
    /// <param name="hasProgressed">Whether it brought the request nearer to its end.</param>
    /// <param name="crowd">Requests that the head had at once, this one among them.</param>
    public void Note(HeadLoss loss, TimeSpan lasted, bool hasProgressed, int crowd)
    {
        // A head that was not there, or leaves as it was told, did not fall over this request.
        if (loss is HeadLoss.Unreachable or HeadLoss.Leaving && !hasProgressed)
            return;
        _all++;
        // Of a crowd, one may have been the reason; the others waited for their turn, and would be given up for nothing.
        if (crowd > options.Crowd && !hasProgressed)
            return;
        (_withoutProgress, _atOnce) = hasProgressed ? (0, 0) : (_withoutProgress + 1, lasted <= options.AtOnce ? _atOnce + 1 : 0);
    }
}
