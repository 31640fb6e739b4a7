"""The records as a network: what surrounds one, and what leads from one to another."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from app import params
from app.answers import graph, neighbors, paths
from app.formats import CYTOSCAPE
from app.routers.reading import Reader, answers

router = APIRouter()
RecordId = Annotated[str, Path(description="The id of any record.", examples=["mao-zedong"])]


@router.get(
    "/records/{id}/neighbors", tags=["graph"], **answers(neighbors.Graph, (CYTOSCAPE, neighbors.CytoscapeGraph))
)
async def get_neighbors(id: RecordId, query: Annotated[params.NeighborParams, Query()], reader: Reader) -> Response:
    """The records around a record, and the relations that lead there, each with the places it rests on.

    The walk follows relations outwards, up to `depth` of them one after the other, and takes only those that the
    filters let pass. A link says how it is meant: `stance`, `attributed_to`, `polarity`, and for a cause whether the
    source states it (`explicit`) or only implies it. A node says the same of its record. Where a bound cut the
    answer, `truncated` says which. Only relations are links: what an estimate is about, and who spoke a quotation,
    stands in the record itself.
    """
    wanted = params.wanted(query)
    return await reader.work_out(
        lambda c: neighbors.neighbors(c, id, query.depth, query.limit, query.direction, wanted),
        json=graph.d3,
        cytoscape=graph.cytoscape,
    )


@router.get("/paths", tags=["graph"], **answers(paths.Paths, (CYTOSCAPE, paths.CytoscapePaths)))
async def get_paths(query: Annotated[params.PathParams, Query()], reader: Reader) -> Response:
    """The shortest paths from one record to another, and what each may be said to show.

    A path is as strong as its weakest link, so that nothing implied passes for stated: `explicit` when it is a chain
    of stated causes, all running the same way; `implied` when one of these causes is only implied; `sequence` when
    a link merely says what came first; otherwise `association`, which shows no cause. `direction=forward` finds
    effects, and `causality=explicit` keeps to stated causes.

    What the source denies is never chained: no link of negative polarity, and no denied record between the two
    ends. What it does not plainly assert is (a goal, somebody's opinion), and `stances` says on which of it a path
    rests; `stance=asserted` keeps to links that it does assert. When there is no path, `paths` is empty, and `reason`
    says whether none is so short, or none there is.
    """
    directed, wanted = query.direction == "forward", params.wanted(query)
    return await reader.work_out(
        lambda c: paths.paths(c, (query.from_, query.to), query.max_depth, query.limit, directed, wanted),
        json=graph.d3,
        cytoscape=graph.cytoscape,
    )
