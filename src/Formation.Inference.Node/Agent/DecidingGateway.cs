using Formation.Inference.Cluster.Identity;

namespace Formation.Inference.Node.Agent;

/// <summary>
/// The gateway whose orders a node follows: the one that decides since the latest term. Who decided before, and does not know yet that another one
/// does, is not listened to. The one that decides may begin anew at a lower term: its operator has given it another database.
/// </summary>
sealed class DecidingGateway
{
    private long _term = -1;

    /// <summary>Its key, or null before there were orders.</summary>
    public KeyPin? Pin { get; private set; }

    /// <summary>Whether to follow orders, those of the same gateway and term again among them.</summary>
    /// <param name="gateway">Who gives them.</param>
    /// <param name="term">Since when it decides.</param>
    public bool TryFollow(KeyPin gateway, long term)
    {
        if (term < _term && gateway != Pin)
            return false;
        (_term, Pin) = (term, gateway);
        return true;
    }
}
